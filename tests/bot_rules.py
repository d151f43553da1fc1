"""The files of deploy/ that stop robots, made from readers.toml; `make docs` writes them.

A User-Agent is stopped if it names a robot of the table [bot] and nothing of [service], [app],
[monitor], [search] or [preview]: so what statistics count as readers is let through.
"""

from __future__ import annotations

import re
from pathlib import Path

from feedhub.user_agents import agent_tables

DEPLOY = Path(__file__).parent.parent / "deploy"
PASSED = ("service", "app", "monitor", "search", "preview")
STOPPED = "bot"


def expression(tables: tuple[str, ...]) -> str:
    """Return the expression for the tokens of tables, at the beginning of a word."""
    tokens = [re.escape(token).replace(r"\ ", " ") for t in tables for token in agent_tables()[t]]
    return f"(?:^|[^a-zA-Z0-9])(?:{'|'.join(tokens)})"


NGINX = """# Stops robots and lets feed readers through: /etc/nginx/conf.d/feedhub-bots.conf.
# In feedhub.conf remove the # before `if ($feedhub_bot)`. Made from the table of `feedhub stats`.
# Change: nothing; to stop search engines and previews of links too, remove their names from the
# first expression. The User-Agent is what a client claims to be: this stops only the honest.
map $http_user_agent $feedhub_robot {{
    default "";
    "~*{passed}" "";
    "~*{stopped}" 1;
}}
map "$feedhub_robot$uri" $feedhub_bot {{
    default "";
    "1/robots.txt" "";  # which tells them to stay away
    "~^1" 1;
}}
"""

CADDY = """# Stops robots and lets feed readers through: /etc/caddy/bots.caddy. In the Caddyfile
# remove the # before `import bots.caddy` and `import feedhub_bots`. Made from the table of
# `feedhub stats`. Change: nothing; to stop search engines and previews of links too, remove their
# names from the second expression. The User-Agent is what a client claims to be: this stops only
# the honest.
(feedhub_bots) {{
	@feedhub_bots {{
		not path /robots.txt
		header_regexp User-Agent "(?i){stopped}"
		not header_regexp User-Agent "(?i){passed}"
	}}
	handle @feedhub_bots {{
		header Cache-Control no-store
		header -Server
		respond "Robots are not served." 403
	}}
}}
"""


def files() -> dict[str, str]:
    """Return the text of each file, by its path below deploy/."""
    given = {"passed": expression(PASSED), "stopped": expression((STOPPED,))}
    return {"nginx/bots.conf": NGINX.format(**given), "caddy/bots.caddy": CADDY.format(**given)}


if __name__ == "__main__":
    for name, text in files().items():
        (DEPLOY / name).write_text(text, encoding="utf-8")
