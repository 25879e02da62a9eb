"""The engine: durable intake and ordered, at-least-once delivery. It never names a platform or a kind."""
