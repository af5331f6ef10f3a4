"""Holes of ApplicationSets: a field, a function of it, or left as it is."""

from __future__ import annotations

import pytest

from manifests.repository.go_templates import filled

FIELDS = {
    "path.path": "apps/shop_api/envs/prod",
    "path.segments.1": "shop_api",
    "metadata.labels.env": "Prod",
    "metadata.labels.example.com/tier": "gold",
    "name": "eu",
    "path[0]": "apps",
    "empty": "",
}


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("api-{{name}}", "api-eu"),
        ("api-{{ .name }}-{{- .name -}}", "api-eu-eu"),
        ("{{path[0]}}", "apps"),
        ("{{ index .path.segments 1 }}", "shop_api"),
        ('{{ index .metadata.labels "env" }}', "Prod"),
        ('{{ index .metadata.labels "example.com/tier" }}', "gold"),
        ("{{metadata.labels.example.com/tier}}", "gold"),
        ('{{ .path.path | replace "/" "-" }}', "apps-shop_api-envs-prod"),
        ('{{ index .path.segments 1 | replace "_" "-" | upper }}', "SHOP-API"),
        ("{{ lower .metadata.labels.env }}", "prod"),
        ('{{ trimPrefix "shop_" (index .path.segments 1) }}', None),
        ('{{ .path.path | trimPrefix "apps/" | trimSuffix "/prod" }}', "shop_api/envs"),
        ('{{ .empty | default "dev" }}', "dev"),
        ("{{ .metadata.labels.env | normalize }}", "prod"),
        ("{{ .none }}", None),
        ('{{ .none | default "x" }}', None),
        ("{{ .name | sha256sum }}", None),
        ("{{ .name | replace 1 }}", None),
        ("{{ if .name }}a{{ end }}", None),
        ("{{ }}", None),
        ("{{ .name | }}", None),
        ("no hole", "no hole"),
    ],
)
def test_a_hole_is_filled_or_left(text: str, made: str | None) -> None:
    found = filled(text, FIELDS)
    assert found == (text if made is None else made)
