"""What a run leaves behind: its folder, tables, figures and the HTML page."""
