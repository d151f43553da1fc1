AUTHOR = "Alexis"
SITENAME = "A Pelican Blog"
PATH = "content"
TIMEZONE = "Europe/Paris"
