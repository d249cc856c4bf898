"""Deployments of teams whose backend talks to other containers."""

from __future__ import annotations

COMPOSE = """\
services:
  api:
    image: api
    depends_on:
      search: {condition: service_healthy}
      pricing: {condition: service_healthy}
    environment:
      SEARCH_URL: http://search:9200/idx
      PRICES: http://pricing:8080
      STORE_HOST: store
      STORE_PORT: 9000
      STORE_USER: minio
      MODE: worker
      CALLS: amqp://guest:guest@mq:5672/prod
  search:
    image: opensearch:2
    environment: [discovery.type=single-node]
    expose: ["9200"]
  store:
    image: minio/minio
    command: server /data
    environment:
      MINIO_ROOT_PASSWORD: ${STORE_PASSWORD}
      MINIO_REGION: eu
    ports: ["9000:9000"]
    volumes: [data:/data, ./conf:/conf]
    healthcheck: {test: ["CMD", mc, ready, local]}
  pricing:
    build: ./pricing
    command: serve --port 8080
    environment:
      PORT: "8080"
      DB_HOST: db
      DB_PORT: 5432
      RATES: '{"eur": 1}'
      TEXT: '{name}'
    healthcheck: {test: curl localhost:8080/health}
  worker: {build: ., command: work}
  db: {image: postgres}
  mq: {image: "rabbitmq:3-management"}
"""
