"""Pictures of sagas and executions: boxes on a grid, the pixels of it, looks, and the text of an SVG."""
