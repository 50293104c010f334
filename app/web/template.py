"""The HTML that holds the page: how the browser gets its scripts."""

from __future__ import annotations

from panel_material_ui.base import BASE_TEMPLATE

TEMPLATE = BASE_TEMPLATE.environment.from_string(
    """{% extends "base.html" %}
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
