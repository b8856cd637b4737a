"""How a network is learned: the loop, the state that must survive, checkpoints, optimizers, schedules, the journal."""
