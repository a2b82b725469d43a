"""Statistics of a shop as a whole: funnels, retention, flows, trends, complaints."""
