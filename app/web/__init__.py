"""The server and the browser: addresses, host names, and what the page changes in Panel."""
