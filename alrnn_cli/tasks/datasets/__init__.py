"""Files that tasks read and arrays made from them: downloaded, unpacked and kept in one cache folder.

A task lists its remote files in its class attribute `remote`; `alrnn data` and the contract tests find them there. In the cache
folder every dataset has a folder of its own:

    DATASET/NAME                      a file as it was downloaded, its hash checked
    DATASET/unpacked/STEM-HASH/       the regular files of an archive
    DATASET/derived/NAME-HASH.safetensors   arrays that `cached` built

What has its name is whole. Whatever is being written has a name that begins with a dot, and gets its own once it is on
the disk. Many processes may ask for the same thing at once: one makes it, the others wait.
"""

from __future__ import annotations

from .derived import cached
from .download import fetch, fetch_unpacked
from .files import Notify, RemoteFile, cache_dir, digest
from .stream import members
from .unpack import extract

__all__ = ["Notify", "RemoteFile", "cache_dir", "cached", "digest", "extract", "fetch", "fetch_unpacked", "members"]
