"""What every request passes before Flask, and the one answer that does not need Flask."""
