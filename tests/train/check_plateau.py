"""torch.optim.lr_scheduler.ReduceLROnPlateau over the losses of a file, a line "loss factor" an epoch after a first line
of its settings (factor patience threshold cooldown min_factor after_epochs): the factors must be those of torch."""

import sys

import torch

lines = open(sys.argv[1]).read().splitlines()
factor, patience, threshold, cooldown, least, after = map(float, lines[0].split())
optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=factor, patience=int(patience), threshold=threshold,
                                                     cooldown=int(cooldown), min_lr=least)
for epoch, line in enumerate(lines[1:], 1):
    loss, got = map(float, line.split())
    if epoch > after:
        plateau.step(loss)
    if abs(optimizer.param_groups[0]["lr"] - got) > 1e-9:
        sys.exit(f"epoch {epoch}: torch {optimizer.param_groups[0]['lr']}, here {got}")
