"""Services as public Compose files have them, with every odd syntax: pasted into a stack they mean the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.compose import config
from tests.stacks import DATABASE, resolve

if TYPE_CHECKING:
    from pathlib import Path

PASTED = {
    "traefik": r"""
services:
  traefik:
    image: traefik:v3.5
    container_name: traefik
    restart: unless-stopped
    command:
      - --providers.docker=true
      - "--providers.docker.exposedByDefault=false"
      - --entrypoints.websecure.address=:443
      - --certificatesresolvers.le.acme.email=${ACME_EMAIL:?set the address}
    ports:
      - 80:80
      - "443:443/tcp"
      - target: 443
        published: "443"
        protocol: udp
        mode: host
      - 127.0.0.1:8080:8080
    volumes:
      - /var/run/docker.sock:/var/run/docker.sock:ro
      - ./letsencrypt:/letsencrypt
    labels:
      traefik.enable: true
      traefik.http.routers.api.rule: Host(`traefik.${DOMAIN:-example.org}`)
      traefik.http.middlewares.auth.basicauth.users: admin:$$apr1$$x1$$abcdef/
    security_opt: ["no-new-privileges:true"]
    networks:
      proxy:
        aliases: [gateway]
        ipv4_address: 172.28.0.10
    healthcheck:
      test: ["CMD", "traefik", "healthcheck", "--ping"]
      interval: 10s
      start_period: 5s
networks:
  proxy:
    ipam: {config: [{subnet: 172.28.0.0/16, gateway: 172.28.0.1}]}
""",
    "nextcloud": r"""
x-app: &app
  image: nextcloud:31-apache
  restart: always
  volumes: &volumes
    - nextcloud:/var/www/html:z
    - type: bind
      source: ./php.ini
      target: /usr/local/etc/php/conf.d/zz.ini
      read_only: true
      bind: {create_host_path: false}
  environment: &environment
    MYSQL_HOST: db
    REDIS_HOST: redis
    PHP_MEMORY_LIMIT: 1G
services:
  nextcloud:
    <<: *app
    depends_on: [db, redis]
    ports: ["${NEXTCLOUD_PORT:-8081}:80"]
    environment:
      <<: *environment
      NEXTCLOUD_TRUSTED_DOMAINS: "cloud.example.org localhost"
      OVERWRITEPROTOCOL: https
    extra_hosts:
      - "host.docker.internal:host-gateway"
      - mail=10.0.0.2
  cron:
    <<: [*app]
    entrypoint: /cron.sh
    depends_on:
      db: {condition: service_healthy, restart: true}
  db:
    image: mariadb:11.8
    command: --transaction-isolation=READ-COMMITTED --binlog-format=ROW
    environment: [MARIADB_ROOT_PASSWORD, "MARIADB_DATABASE=nextcloud", 'MARIADB_USER=next "cloud" #1']
    volumes: ["db:/var/lib/mysql"]
    healthcheck:
      test: healthcheck.sh --connect --innodb_initialized
      interval: 1m30s
      timeout: 10s
      retries: 3
  redis: {image: "redis:8-alpine", sysctls: {net.core.somaxconn: 1024}}
volumes:
  nextcloud:
  db: {}
""",
    "grafana": r"""
services:
  grafana:
    image: grafana/grafana-oss:${GRAFANA_VERSION-12.1.0}
    user: "472"
    ports:
      - target: 3000
        published: 3000
    environment:
      - GF_SECURITY_ADMIN_USER=${ADMIN_USER:-admin}
      - GF_SECURITY_ADMIN_PASSWORD__FILE=/run/secrets/grafana
      - GF_INSTALL_PLUGINS=grafana-clock-panel 2.1.5,grafana-piechart-panel
      - GF_SERVER_ROOT_URL=%(protocol)s://%(domain)s:%(http_port)s/grafana/
    secrets:
      - grafana
      - source: grafana
        target: /etc/grafana/admin
        uid: "472"
        mode: 0440
    configs:
      - source: datasources
        target: /etc/grafana/provisioning/datasources/all.yml
        mode: 292
    volumes: ["grafana-data:/var/lib/grafana", "./dashboards:/var/lib/grafana/dashboards:ro"]
    logging:
      driver: "json-file"
      options: {max-size: "10m", max-file: 3}
    deploy:
      resources:
        limits: {cpus: '0.50', memory: 512M, pids: 200}
        reservations: {memory: 128m}
configs:
  datasources:
    content: |
      apiVersion: 1
      datasources:
        - {name: Prometheus, type: prometheus, url: "http://prometheus:9090", password: $${NOT_COMPOSE}}
secrets:
  grafana: {file: ./grafana-password.txt}
volumes: {grafana-data: }
""",
    "keycloak": r"""
services:
  keycloak:
    image: quay.io/keycloak/keycloak:26.3
    command: ["start", "--optimized", "--hostname=${KC_HOSTNAME}", "--proxy-headers", "xforwarded"]
    environment:
      KC_DB: postgres
      KC_DB_URL: jdbc:postgresql://postgres:5432/${POSTGRES_DB:-keycloak}
      KC_DB_PASSWORD: ${POSTGRES_PASSWORD:?required}
      KC_HEALTH_ENABLED: 'true'
      KC_HTTP_ENABLED: true
      JAVA_OPTS_APPEND: >-
        -Xms64m
        -Dquarkus.http.host=0.0.0.0
    healthcheck:
      test:
        - CMD-SHELL
        - |
          exec 3<>/dev/tcp/127.0.0.1/9000
          printf "GET /health/ready HTTP/1.1\r\nhost: x\r\nConnection: close\r\n\r\n" >&3
          timeout 1 cat <&3 | grep -m 1 "\"UP\"" || exit 1
      start_period: 30s
      interval: 15s
    ulimits:
      nproc: 65535
      nofile: {soft: 20000, hard: 40000}
    ports: ["127.0.0.1:8443:8443", "9000"]
    depends_on: {postgres: {condition: service_healthy}}
    stop_grace_period: 1m
    tmpfs:
      - /tmp:size=64m,mode=1777
  postgres:
    image: postgres:17-alpine
    shm_size: 128mb
    environment: {POSTGRES_PASSWORD: "${POSTGRES_PASSWORD}", POSTGRES_DB: "${POSTGRES_DB:-keycloak}"}
    healthcheck: {test: ["CMD-SHELL", "pg_isready -U $${POSTGRES_USER:-postgres}"], interval: 10s, retries: 5}
""",
    "n8n": r"""
services:
  n8n:
    image: docker.n8n.io/n8nio/n8n
    restart: always
    env_file: [n8n.env, {path: more.env, required: false}]
    environment:
      - N8N_HOST=${SUBDOMAIN:-n8n}.${DOMAIN:-example.org}
      - N8N_PORT=5678
      - N8N_PROTOCOL=https
      - GENERIC_TIMEZONE
      - WEBHOOK_URL=https://${SUBDOMAIN:-n8n}.${DOMAIN:-example.org}/
      - N8N_RUNNERS_ENABLED=true
    expose: [5678]
    labels:
      - "traefik.http.routers.n8n.rule=Host(`${SUBDOMAIN:-n8n}.${DOMAIN:-example.org}`)"
      - traefik.http.middlewares.n8n.headers.STSSeconds=315360000
    volumes:
      - n8n_data:/home/node/.n8n
      - ${LOCAL_FILES:-./local-files}:/files
    dns: 1.1.1.1
    init: true
volumes:
  n8n_data:
    driver: local
    driver_opts: {type: nfs, o: "addr=${NFS_HOST:-10.0.0.9},rw", device: ":/exports/n8n"}
""",
    "wordpress": r"""
services:
  wordpress:
    build:
      context: ./wordpress
      dockerfile: Dockerfile.prod
      args: [PHP_VERSION=8.3, "EXTRA=${EXTRA:-}"]
      target: production
      cache_from: ["type=local,src=/tmp/cache"]
      labels: {org.example.stage: "prod"}
    links: ["mysql:database"]
    ports:
      - "8000-8002:80"
    scale: 3
    environment:
      WORDPRESS_DB_HOST: database:3306
      WORDPRESS_CONFIG_EXTRA: |
        /* more */
        define('WP_REDIS_HOST', 'redis');
        define("WP_HOME", "https://$${_SERVER['HTTP_HOST']}");
    volumes_from: [uploads:ro]
    working_dir: /var/www/html
    stdin_open: true
    tty: yes
  uploads: {image: "busybox:1.37", volumes: [/uploads], command: "true"}
  mysql: {image: "mysql:8.4", platform: linux/amd64, cap_add: [SYS_NICE], mem_limit: 1g, oom_score_adj: -500}
""",
    "gitea": r"""
services:
  gitea:
    image: docker.gitea.com/gitea:1.24-rootless
    user: ${UID:-1000}:${GID:-1000}
    environment:
      GITEA__database__DB_TYPE: postgres
      GITEA__server__SSH_PORT: 2222
      GITEA__mailer__ENABLED: off
      GITEA__cron__SCHEDULE: "@every 1h"
      GITEA__ratio: 0.5
      EMPTY: ""
      UNSET:
    ports: ["3000:3000", "2222:22"]
    volumes:
      - ./data:/var/lib/gitea
      - /etc/timezone:/etc/timezone:ro
      - /etc/localtime:/etc/localtime:ro
      - type: tmpfs
        target: /cache
        tmpfs: {size: 64m, mode: 01777}
      - type: volume
        source: config
        target: /etc/gitea
        volume: {nocopy: true}
    networks: {gitea: null, default: {priority: 10}}
    restart: on-failure:5
networks: {gitea: {external: false, driver: bridge, internal: true}}
volumes: {config: }
""",
    "minio": r"""
x-minio: &minio
  image: quay.io/minio/minio:RELEASE.2025-07-23T15-54-02Z
  command: server --console-address ":9001" http://minio{1...2}/data{1...2}
  expose: &expose ["9000", 9001]
  healthcheck: {test: [CMD, mc, ready, local], interval: 5s, timeout: 5s, retries: 5}
services:
  minio1: {<<: *minio, hostname: minio1, volumes: ["data1-1:/data1", "data1-2:/data2"]}
  minio2:
    <<: *minio
    hostname: minio2
    volumes: ["data2-1:/data1", "data2-2:/data2"]
    ports: ["9000:9000", "9001:9001"]
  nginx:
    image: nginx:1.29-alpine
    depends_on: [minio1, minio2]
    tmpfs: /var/cache/nginx
    configs: [{source: nginx, target: /etc/nginx/nginx.conf}]
volumes: {data1-1: , data1-2: , data2-1: , data2-2: }
configs:
  nginx:
    content: |
      events {}
      http { server { listen 80; location / { proxy_pass http://minio1:9000; proxy_set_header Host $$http_host; } } }
""",
    "prometheus": r"""
services:
  prometheus:
    image: prom/prometheus:v3.5.0@sha256:0000000000000000000000000000000000000000000000000000000000000001
    command:
      - '--config.file=/etc/prometheus/prometheus.yml'
      - '--storage.tsdb.retention.time=15d'
      - '--web.enable-lifecycle'
    configs: [prometheus]
    expose: ["9090"]
    healthcheck: {disable: false}
  node-exporter:
    image: prom/node-exporter:v1.9.1
    pid: host
    network_mode: bridge
    command: ['--path.rootfs=/host', '--collector.filesystem.mount-points-exclude=^/(sys|proc|dev|host|etc)($$|/)']
    volumes: ['/:/host:ro,rslave']
    devices: [/dev/kmsg]
    privileged: true
    cgroup: host
  cadvisor:
    image: gcr.io/cadvisor/cadvisor:v0.52.1
    annotations: [a=b]
    device_cgroup_rules: ["c 1:3 mr"]
    group_add: [docker, 999]
    userns_mode: host
    pull_policy: missing
    depends_on: {prometheus: {condition: service_healthy, required: false}}
configs: {prometheus: {file: ./prometheus.yml}}
""",
    "plausible": r"""
services:
  plausible:
    image: ghcr.io/plausible/community-edition:v3.0.1
    restart: always
    command: sh -c "/entrypoint.sh db createdb && /entrypoint.sh db migrate && /entrypoint.sh run"
    depends_on:
      plausible-db: {condition: service_healthy}
      plausible-events: {condition: service_started}
    ulimits: {nofile: {soft: 65535, hard: 65535}}
    environment:
      - TMPDIR=/var/lib/plausible/tmp
      - BASE_URL=${BASE_URL:?}
      - SECRET_KEY_BASE=${SECRET_KEY_BASE}
      - DISABLE_REGISTRATION
      - ENABLE_EMAIL_VERIFICATION
      - MAILER_EMAIL
  plausible-db:
    image: postgres:16-alpine
    environment: [POSTGRES_PASSWORD=postgres]
    healthcheck: {test: [CMD-SHELL, "pg_isready -U postgres"], start_period: 1m}
  plausible-events:
    image: clickhouse/clickhouse-server:24.12-alpine
    volumes:
      - event-logs:/var/log/clickhouse-server
      - ./clickhouse/logs.xml:/etc/clickhouse-server/config.d/logs.xml:ro
    ulimits: {nofile: {soft: 262144, hard: 262144}}
    healthcheck: {test: "wget --no-verbose --tries=1 -O - http://127.0.0.1:8123/ping || exit 1"}
volumes:
  event-logs: {driver: local}
""",
    "authentik": r"""
services:
  server:
    image: ${AUTHENTIK_IMAGE:-ghcr.io/goauthentik/server}:${AUTHENTIK_TAG:-2025.6}
    restart: unless-stopped
    command: server
    environment: &environment
      AUTHENTIK_SECRET_KEY: ${AUTHENTIK_SECRET_KEY:?secret key required}
      AUTHENTIK_POSTGRESQL__HOST: postgresql
      AUTHENTIK_POSTGRESQL__USER: ${PG_USER:-authentik}
      AUTHENTIK_POSTGRESQL__PASSWORD: ${PG_PASS}
      AUTHENTIK_ERROR: ${A:-${B:-nested}}
      AUTHENTIK_ALT: ${SET:+was set}
    volumes: ["./media:/media", "./custom-templates:/templates"]
    env_file: n8n.env
    ports:
      - "${COMPOSE_PORT_HTTP:-9000}:9000"
      - "${COMPOSE_PORT_HTTPS:-9443}:9443"
    depends_on:
      postgresql: {condition: service_healthy}
  worker:
    image: ghcr.io/goauthentik/server:2025.6
    command: worker
    environment:
      <<: *environment
      AUTHENTIK_WORKER__CONCURRENCY: 2
    user: root
    sysctls: [net.core.somaxconn=1024, net.ipv4.tcp_syncookies=0]
    storage_opt: {}
    profiles: [worker, all]
  postgresql:
    image: docker.io/library/postgres:16-alpine
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -d $${POSTGRES_DB} -U $${POSTGRES_USER}"]
      start_period: 20s
      interval: 30s
      retries: 5
      timeout: 5s
""",
    "immich": r"""
services:
  immich-server:
    container_name: immich_server
    image: ghcr.io/immich-app/immich-server:${IMMICH_VERSION:-release}
    extends:
      file: hwaccel.yml
      service: quicksync
    volumes:
      - ${UPLOAD_LOCATION}:/data
      - /etc/localtime:/etc/localtime:ro
    ports:
      - '2283:2283'
    depends_on:
      - redis
      - database
    restart: always
    healthcheck:
      disable: false
  immich-machine-learning:
    image: ghcr.io/immich-app/immich-machine-learning:${IMMICH_VERSION:-release}-cuda
    volumes: [model-cache:/cache]
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: 1
              capabilities: [gpu]
    gpus:
      - driver: nvidia
        count: all
    healthcheck: {disable: false}
  redis: {image: "docker.io/valkey/valkey:8-bookworm", healthcheck: {test: redis-cli ping || exit 1}}
  database:
    image: ghcr.io/immich-app/postgres:14-vectorchord0.4.3
    environment: {POSTGRES_INITDB_ARGS: '--data-checksums', DB_STORAGE_TYPE: HDD}
    volumes:
      # Not on a network share
      - ${DB_DATA_LOCATION}:/var/lib/postgresql/data
    shm_size: 128mb
volumes: {model-cache: }
""",
}
FILES = {
    "n8n.env": "A=1\nB='two # three'\n",
    "hwaccel.yml": "services: {quicksync: {devices: [/dev/dri:/dev/dri], environment: [LIBVA=1]}}\n",
}
VALUES = """
ACME_EMAIL=me@example.org
KC_HOSTNAME=id.example.org
POSTGRES_PASSWORD='a$b #c'
BASE_URL=https://plausible.example.org
SECRET_KEY_BASE=x
AUTHENTIK_SECRET_KEY=x
PG_PASS=x
SET=1
GENERIC_TIMEZONE=Europe/Berlin
UPLOAD_LOCATION=./library
DB_DATA_LOCATION=./postgres
COMPOSE_PROFILES=all
"""


def on_loopback(project: dict[str, Any]) -> dict[str, Any]:
    """Returns the project with the one rule that differs: a port without an address is bound to loopback."""
    for service in project["services"].values():
        for port in service.get("ports", ()):
            port.setdefault("host_ip", "127.0.0.1")
    return project


def place(folder: Path) -> None:
    for name, content in FILES.items():
        (folder / name).write_text(content)


@pytest.mark.parametrize("name", PASTED)
def test_a_pasted_service_means_the_same(name: str, tmp_path: Path) -> None:
    place(tmp_path)
    text = f"name: demo{PASTED[name]}"
    (tmp_path / "docker-compose.yml").write_text(text)
    (tmp_path / ".env").write_text(VALUES)
    expected = on_loopback(config(tmp_path))
    (tmp_path / "docker-compose.yml").unlink()
    found = resolve(text, tmp_path, VALUES)
    for section in ("services", "volumes", "networks", "configs", "secrets"):
        assert found.get(section) == expected.get(section)


@pytest.mark.parametrize("name", PASTED)
def test_a_pasted_service_lives_beside_a_database(name: str, tmp_path: Path) -> None:
    place(tmp_path)
    text = f"name: demo{PASTED[name]}{DATABASE}"
    assert {"main", "main-init"} < resolve(text, tmp_path, VALUES)["services"].keys()
