"""How much one article file may bring; more comes from broken exports and strangers.

Lengths are in characters, and hold before any pattern sees a value.
"""

# A date, a duration or a language; a label or a name; an address, a pattern of one or an id.
MAX_WORD, MAX_LABEL, MAX_ADDRESS = 64, 200, 4_096
# What is published of a title and a summary. Any other value is cut at MAX_TEXT when it is read.
MAX_TITLE, MAX_SUMMARY, MAX_TEXT = 1_000, 5_000, 65_536
# Items of a list; labels of each kind.
MAX_LABELS, MAX_IMAGES, MAX_MEDIA, MAX_RELATED = 50, 50, 20, 100
# A picture, audio or video file that is copied beside the feeds.
MAX_ASSET_BYTES = 2 * 1024**3
