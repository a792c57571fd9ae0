"""What the engine stands on and knows nothing of it: functions and their names, broadcasting, what rules read."""
