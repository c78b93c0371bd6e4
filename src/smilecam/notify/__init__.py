"""Smiles for other programs, as they happen: commands, webhooks, MQTT."""
