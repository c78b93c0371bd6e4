"""Training and export. Needs the "train" extra; nothing at run time imports from here."""
