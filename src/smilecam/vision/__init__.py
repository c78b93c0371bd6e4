"""A picture in, values out: find faces, cut them, read them. No files of the user, no windows, no clocks."""
