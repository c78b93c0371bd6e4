"""Archives of images and videos: many files, many workers, tables out."""
