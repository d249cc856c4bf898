"""The agent of warm boots: what it is asked and answers, and its program, which the backend's own interpreter runs."""
