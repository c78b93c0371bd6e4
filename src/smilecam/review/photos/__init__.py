"""The best photos of people: grouped by scene, ranked, on a contact sheet."""
