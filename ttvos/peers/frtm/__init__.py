"""FRTM-VOS: a target model learned on the first frame, and a network that refines its score."""
