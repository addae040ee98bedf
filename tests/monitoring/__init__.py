"""The service as Prometheus, Alertmanager and Grafana see it, with their real programs."""
