"""The proxies compared: how each is configured and started. All listen with TLS 1.3 and the same ECDSA
P-256 certificate, keep connections open, and forward to the same origin over pooled keep-alive
connections with one worker."""

import pathlib
import re
import subprocess

NGINX = """daemon off; worker_processes 1; pid {run}/nginx.pid; error_log {run}/nginx.err warn;
worker_rlimit_nofile 20000;
events {{ worker_connections 19000; multi_accept on; }}
http {{
  access_log off; tcp_nodelay on; keepalive_requests 1000000000; keepalive_timeout 600s;
  client_body_temp_path {run}/nginx-body; proxy_temp_path {run}/nginx-proxy; fastcgi_temp_path {run}/nginx-f;
  uwsgi_temp_path {run}/nginx-u; scgi_temp_path {run}/nginx-s;
  upstream origin {{ server 127.0.0.1:{origin}; keepalive 256; keepalive_requests 1000000000; }}
  server {{
    listen 127.0.0.1:{port} ssl backlog=4096; server_name localhost;
    ssl_certificate {run}/cert.pem; ssl_certificate_key {run}/key.pem; ssl_protocols TLSv1.3;
    ssl_session_cache off; ssl_session_tickets on;
    location / {{
      proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}
}}
"""

HAPROXY = """global
  nbthread 1
  maxconn 9900
  ssl-default-bind-options ssl-min-ver TLSv1.3
defaults
  mode http
  timeout client 600s
  timeout server 60s
  timeout connect 5s
  timeout http-keep-alive 600s
frontend tls
  bind 127.0.0.1:{port} ssl crt {run}/combined.pem alpn http/1.1 backlog 4096
  default_backend origin
backend origin
  http-reuse always
  server one 127.0.0.1:{origin} maxconn 2000 pool-max-conn 512
"""

# The route that is measured: a session cookie, a policy with a group rule, the assertion header and
# both log lines per request (written to a file).
VALLUM = """address: 127.0.0.1:{port}
health_check_addr: 127.0.0.1:{health}
certificate_file: {run}/cert.pem
certificate_key_file: {run}/key.pem
authenticate_service_url: https://authenticate.localhost:{port}
idp_provider: oidc
idp_provider_url: {idp_provider_url}
idp_client_id: {idp_client_id}
idp_client_secret: {idp_client_secret}
idp_scopes: [openid, profile, email, groups, offline_access]
idp_groups_claim: groups
databroker_storage_type: file
databroker_storage_connection_string: file://{run}/vallum-state
pass_identity_headers: true
routes:
  - from: https://app.localhost:{port}
    to: http://127.0.0.1:{origin}
    idle_timeout: 600s
    policy:
      - allow:
          and:
            - groups:
                has: bench
"""


class Peer:
    """A proxy of the comparison."""

    def __init__(self, name, command, port, host="localhost", header_file=None, environment=None):
        self.name = name
        self.command = command
        self.port = port
        self.host = host
        self.header_file = header_file
        self.environment = environment or {}


def write_certificate(run):
    if (run / "combined.pem").exists():
        return
    names = "subjectAltName=DNS:localhost,DNS:app.localhost,DNS:authenticate.localhost"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-days", "30", "-subj", "/CN=localhost", "-addext", names,
                    "-keyout", run / "key.pem", "-out", run / "cert.pem"], check=True, capture_output=True)
    (run / "combined.pem").write_text((run / "cert.pem").read_text() + (run / "key.pem").read_text())


def nginx(run, port, origin):
    config = run / "nginx.conf"
    config.write_text(NGINX.format(run=run, port=port, origin=origin))
    return Peer("nginx", ["nginx", "-c", str(config)], port)


def haproxy(run, port, origin):
    config = run / "haproxy.cfg"
    config.write_text(HAPROXY.format(run=run, port=port, origin=origin))
    return Peer("haproxy", ["haproxy", "-db", "-f", str(config)], port)


def vallum(run, port, origin, binary, dev_config):
    """`dev_config` is the text of the configuration that `vallum dev` runs: it names the development
    provider and the client's credentials there."""
    provider = {key: re.search(rf"^{key}:\s*\"?([^\"\n]+)", dev_config, re.M).group(1)
                for key in ("idp_provider_url", "idp_client_id", "idp_client_secret")}
    config = run / "vallum.yaml"
    config.write_text(VALLUM.format(run=run, port=port, health=port + 1, origin=origin, **provider))
    (run / "vallum-state").mkdir(mode=0o700, exist_ok=True)
    return Peer("vallum", [binary, "--config", str(config)], port, host=f"app.localhost:{port}",
                header_file=run / "cookies.txt", environment={"STATE_DIRECTORY": str(run / "vallum-state")})


def find_dev_config(state):
    return (pathlib.Path(state) / "dev" / "config.yaml").read_text()
