"""Shipped training configurations, as package data."""
