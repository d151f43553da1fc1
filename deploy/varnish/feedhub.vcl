# feedhub behind Varnish 6 or newer with the module xkey (Debian: varnish, varnish-modules).
# Change: the backend, the addresses that may purge, and the name of the site.
#
#   varnishd -a :80 -f /etc/varnish/feedhub.vcl -s malloc,256m -p http_gzip_support=off
#
# http_gzip_support=off: feedhub codes, in gzip and br; Varnish would drop br and weaken entity tags.

vcl 4.1;

import std;
import xkey;

backend feedhub {
    .path = "/run/feedhub/serve.sock";
    # .host = "127.0.0.1"; .port = "8000";
    .connect_timeout = 2s;
    .first_byte_timeout = 10s;
}

# Who may purge: the machine of `feedhub ping`, or of `feedhub serve` with a source.
acl purgers {
    "localhost";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(403));
        }
        if (!req.http.xkey-purge) {
            return (synth(400));
        }
        # Deleted, not only marked as stale: a withdrawn article is not shown once more.
        return (synth(200, "Purged " + xkey.purge(req.http.xkey-purge)));
    }

    # One name for the cache, whatever a client sends.
    set req.http.Host = "feeds.example.org";

    # Only a search has a query. If feedhub is below a path, write that before /search, and before
    # /(?:assets/ below.
    if (req.url !~ "^/search(?:[./?]|$)") {
        set req.url = regsub(req.url, "\?.*$", "");
    }

    # The one coding that is requested from feedhub: br, gzip or none. A weight of zero forbids it.
    if (req.http.Accept-Encoding ~ "(?i)(?:^|,)[ \t]*br[ \t]*(?:$|,|;[ \t]*q=(?:1|0\.[0-9]*[1-9]))") {
        set req.http.Accept-Encoding = "br";
    } else if (req.http.Accept-Encoding ~ "(?i)(?:^|,)[ \t]*(?:x-)?gzip[ \t]*(?:$|,|;[ \t]*q=(?:1|0\.[0-9]*[1-9]))") {
        set req.http.Accept-Encoding = "gzip";
    } else {
        unset req.http.Accept-Encoding;
    }

    # Who prefers pages gets a page instead of a bare 404; who opens a feed in a browser is led to its
    # page. Both are the only values that are requested from feedhub.
    if (req.http.Accept ~ "(?i)^text/html") {
        set req.http.Accept = "text/html";
        if (req.http.Sec-Fetch-Dest != "document") {
            unset req.http.Sec-Fetch-Dest;
        }
    } else {
        unset req.http.Accept;
        unset req.http.Sec-Fetch-Dest;
    }
    unset req.http.Cookie;
    unset req.http.Authorization;
    unset req.http.A-IM;
    unset req.http.Cache-Control;

    # Pictures, audio and video may be large, and feedhub sends parts of them. Streams of new articles
    # come as they are written.
    if (req.method != "GET" && req.method != "HEAD" || req.url ~ "^/(?:assets/|events$)") {
        return (pass);
    }
    return (hash);
}

sub vcl_hash {
    hash_data(req.url);
    hash_data(req.http.Accept + ":" + req.http.Sec-Fetch-Dest);
    return (lookup);
}

sub vcl_backend_response {
    # A revalidation that fails leaves what is there.
    if (beresp.status >= 500 && bereq.is_bgfetch) {
        return (abandon);
    }
    if (beresp.http.CDN-Cache-Control ~ "max-age=[0-9]+") {
        set beresp.ttl = std.duration(
            regsub(beresp.http.CDN-Cache-Control, "^.*max-age=([0-9]+).*$", "\1s"), 0s);
    }
    # What changed was purged: what has expired is old, not wrong. It is shown while feedhub is asked
    # again, and while it is down.
    set beresp.grace = 0s;
    if (beresp.http.Cache-Control ~ "stale-if-error=[0-9]+") {
        set beresp.grace = std.duration(
            regsub(beresp.http.Cache-Control, "^.*stale-if-error=([0-9]+).*$", "\1s"), 0s);
    }
}

sub vcl_deliver {
    # These are for the cache; and the age of a document here is no matter of readers, who may keep it
    # for the time that Cache-Control says.
    unset resp.http.xkey;
    unset resp.http.Cache-Groups;
    unset resp.http.CDN-Cache-Control;
    unset resp.http.Age;
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    if (obj.hits > 0) {
        set resp.http.Cache-Status = "feedhub; hit";
    } else {
        set resp.http.Cache-Status = "feedhub; fwd=miss";
    }
}

sub vcl_backend_error {
    # A reader that gets a 4xx or a bare 502 may stay away for days; 503 says when to retry.
    set beresp.status = 503;
    set beresp.http.Content-Type = "text/plain; charset=utf-8";
    set beresp.http.Cache-Control = "no-store";
    set beresp.http.Retry-After = "30";
    set beresp.body = "The feeds are away for a moment." + {"
"};
    set beresp.ttl = 0s;
    return (deliver);
}

sub vcl_synth {
    set resp.http.Content-Type = "text/plain; charset=utf-8";
    set resp.http.Cache-Control = "no-store";
    set resp.body = resp.reason + {"
"};
    return (deliver);
}
