"""What the notebooks use: a shop with purchases to look at, and ways to show what is found."""

import warnings

# A library of a library offers its progress bars to notebooks as it is imported, and complains
# where there are no widgets; we show none. It must be said before that import, so here.
warnings.filterwarnings("ignore", message="IProgress not found")
