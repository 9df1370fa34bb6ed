"""What a saga does next: pure decisions from a plan, a state and a signal. It knows neither clock nor server."""
