"""Metrics as Prometheus' own parser reads them."""

from __future__ import annotations

import http.client

from prometheus_client.parser import text_string_to_metric_families

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]


def parse(text: str) -> Samples:
    """The values by name and labels."""
    families = text_string_to_metric_families(text)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def scrape(port: int) -> Samples:
    """The values that a service has on its port."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        client.request("GET", "/metrics")
        response = client.getresponse()
        assert response.status == 200
        return parse(response.read().decode())
    finally:
        client.close()


def select(samples: Samples, name: str) -> dict[tuple[str, ...], float]:
    """The values of a metric by the values of its labels, in the order of the labels' names."""
    return {tuple(value for _, value in labels): number for (each, labels), number in samples.items() if each == name}
