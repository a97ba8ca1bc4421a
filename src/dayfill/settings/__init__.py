"""Settings of the server and of the client commands; the only room that reads the environment."""

from dayfill.settings.client import ClientSettings as ClientSettings
from dayfill.settings.client import read_client_settings as read_client_settings
from dayfill.settings.cluster import ClusterSettings as ClusterSettings
from dayfill.settings.cluster import WorkerSettings as WorkerSettings
from dayfill.settings.cluster import read_worker_settings as read_worker_settings
from dayfill.settings.keys import LogLevel as LogLevel
from dayfill.settings.keys import Output as Output
from dayfill.settings.reading import has_display as has_display
from dayfill.settings.server import RequestLimits as RequestLimits
from dayfill.settings.server import Settings as Settings
from dayfill.settings.server import read_settings as read_settings
