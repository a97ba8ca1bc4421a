"""Sealing of credentials and fingerprints of API keys: the keys, their file, and the files that nobody may open."""

from dayfill.secrets.files import refuse_shared as refuse_shared
from dayfill.secrets.keyring import Keyring as Keyring
from dayfill.secrets.keyring import key_number as key_number
from dayfill.secrets.keyring import make_keyring as make_keyring
from dayfill.secrets.keyring import read_document as read_document
from dayfill.secrets.keyring import secrets_in as secrets_in
from dayfill.secrets.keyring import write_document as write_document
from dayfill.secrets.private import is_private as is_private
from dayfill.secrets.scrub import safe as safe
from dayfill.secrets.scrub import scrubbed as scrubbed
