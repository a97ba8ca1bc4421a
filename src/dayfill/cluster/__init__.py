"""What runs on a Ray cluster: the driver, a process beside the server, and the worker, a process on any node."""
