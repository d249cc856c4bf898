"""Objects of a cluster, as teams write them."""

from __future__ import annotations

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: api}
spec:
  replicas: 2
  template:
    metadata:
      labels: {app: api, tier: web}
    spec:
      terminationGracePeriodSeconds: 45
      securityContext: {runAsUser: 10001}
      initContainers:
        - {name: migrate, image: api, command: [alembic, upgrade, head]}
      containers:
        - name: api
          image: registry.example/api:1.4
          args: [gunicorn, "app:app"]
          ports: [{containerPort: 8080}]
          envFrom:
            - configMapRef: {name: api-config}
            - secretRef: {name: api-secrets}
          env:
            - {name: LOG_LEVEL, value: debug}
            - name: REGION
              valueFrom: {configMapKeyRef: {name: api-config, key: region}}
            - name: JWT_SECRET
              valueFrom: {secretKeyRef: {name: jwt, key: signing-key}}
            - name: POD_IP
              valueFrom: {fieldRef: {fieldPath: status.podIP}}
            - {name: BASE, value: "https://$(REGION).example/$$(x)"}
            - {name: SIGNED, value: "$(JWT_SECRET)-x"}
          resources:
            limits: {memory: 256Mi, cpu: 500m}
          readinessProbe:
            httpGet: {path: /health/ready, port: 8080}
            timeoutSeconds: 5
          securityContext: {readOnlyRootFilesystem: true}
          volumeMounts:
            - {name: scratch, mountPath: /scratch}
            - {name: config, mountPath: /etc/api}
        - {name: sidecar, image: proxy}
      volumes:
        - {name: scratch, emptyDir: {}}
        - {name: config, configMap: {name: api-config}}
"""
