"""The suite for anyone's backend: `pytest --pyargs envparity.suite --envparity-backend FILE`."""
