"""What can be said about an agent or a machine: the metric report, memory, the doctor."""
