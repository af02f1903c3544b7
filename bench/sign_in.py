"""Signs users in at a running Vallum through its development provider, as a browser would, and keeps
the session cookies: there is no other way in."""

import http.client
import re
import ssl
import urllib.parse


class Browser:
    """Follows redirects and keeps cookies per host. Certificates are not verified: this is loopback."""

    def __init__(self):
        self.cookies = {}
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def request(self, url, method="GET", body=None):
        target = urllib.parse.urlsplit(url)
        if target.scheme == "https":
            connection = http.client.HTTPSConnection("127.0.0.1", target.port, context=self.context, timeout=20)
        else:
            connection = http.client.HTTPConnection("127.0.0.1", target.port, timeout=20)
        jar = self.cookies.setdefault(target.hostname, {})
        headers = {"Host": target.netloc, "Accept": "text/html"}
        if jar:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in jar.items())
        if body is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            headers["Origin"] = f"{target.scheme}://{target.netloc}"
        path = target.path + ("?" + target.query if target.query else "")
        connection.request(method, path or "/", body, headers)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
        for line in answer.headers.get_all("Set-Cookie") or []:
            pair, _, attributes = line.partition(";")
            name, _, value = pair.partition("=")
            if value and "max-age=0" not in attributes.lower():
                jar[name] = value
            else:
                jar.pop(name, None)
        connection.close()
        return answer.status, answer.headers, text, url

    def follow(self, url, method="GET", body=None):
        for _ in range(20):
            status, headers, text, url = self.request(url, method, body)
            if "Location" not in headers:
                return status, text, url
            url, method, body = urllib.parse.urljoin(url, headers["Location"]), "GET", None
        raise RuntimeError(f"no end of redirects at {url}")


def sign_in(url, email, groups):
    """Returns the session cookie that the host of `url` set."""
    browser = Browser()
    status, page, at = browser.follow(url)
    form = re.search(r'<form[^>]*id="someone-else"[^>]*action="([^"]+)"', page)
    if not form:
        raise RuntimeError(f"expected the development provider's page, got {status} at {at}: {page[:300]}")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page))
    fields = {**hidden, "email": email, "groups": groups}
    action = urllib.parse.urljoin(at, form.group(1).replace("&amp;", "&"))
    status, page, at = browser.follow(action, "POST", urllib.parse.urlencode(fields))
    if status != 200:
        raise RuntimeError(f"sign-in of {email} ended with {status} at {at}: {page[:300]}")
    return browser.cookies[urllib.parse.urlsplit(url).hostname]["_pomerium"]


def write_cookies(path, url, count):
    with open(path, "w", encoding="ascii") as file:
        for i in range(count):
            cookie = sign_in(url, f"user{i}@bench.example", "bench, staff")
            file.write(f"Cookie: theme=dark; _pomerium={cookie}; lang=en\n")
