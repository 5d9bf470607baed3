"""The paper's tables and figures beside ours: what was asked, what came out, and the page made of it."""
