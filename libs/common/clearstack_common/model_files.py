"""What the files of a model are called, in the API and in archives."""

import re

# A whole model in one file.
ARCHIVE = "archive.zip"
FILE_NAMES = re.compile(
    r"config\.json|stage[12]/(?:model\.json|config\.json|weights\.pth|weights\.safetensors)|mask/mask\.(?:npy|json)"
)
