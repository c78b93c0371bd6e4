"""Training and export. Needs the "train" extra; run time never imports from here."""
