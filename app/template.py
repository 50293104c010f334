"""The HTML that holds the page: how the browser gets its scripts."""

from __future__ import annotations

import panel_material_ui as pmui  # noqa: F401  (sets the template that ours extends)
from bokeh.document import Document
from panel.io.resources import BASE_TEMPLATE

TEMPLATE = BASE_TEMPLATE.environment.from_string(
    """{% extends "base.html" %}
{% block css_resources %}
{% if components %}<link rel="modulepreload" href="{{ components }}">{% endif %}
{{ super() }}
{% endblock %}
{% block js_resources %}
{{ super() }}
<script>
  window.importShim = Object.assign((url) => import(new URL(url, document.baseURI)), {addImportMap() {}})
</script>
{% endblock %}
"""
)
"""The browser imports modules itself, and keeps them compiled from one visit to the next; Panel's es-module-shims takes
1.4 MB of components apart each time. No map of imports is needed, as components come in one bundle."""


def preload_components(document: Document) -> None:
    """Have the browser fetch the bundle of components while it has nothing else to do, not when the first is made."""
    document.template_variables["components"] = document.roots[0].esm
