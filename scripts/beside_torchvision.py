"""Our networks beside torchvision's: the same keys and shapes, and the same answers to the bit.

torchvision does not load beside the torch of constraints.txt; run this in an environment of its own
that has both, and sightline.
"""

import torch
import torchvision

from sightline import models

AUXILIARY = ("googlenet", "inception_v3")


def main() -> None:
    print(f"torch {torch.__version__}, torchvision {torchvision.__version__}")
    names = [name for name in models.MODELS if hasattr(torchvision.models, name)]
    for name in sorted(names):
        auxiliary = name in AUXILIARY
        more = {"aux_logits": True, "init_weights": False} if auxiliary else {}
        theirs = getattr(torchvision.models, name)(weights=None, **more).eval()
        size = models.MODELS[name].size
        settings = {"auxiliary": True} if auxiliary else {}
        ours = models.build(name, 1000, 3, size, settings).body.eval()
        state, own = theirs.state_dict(), ours.state_dict()
        alike = {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in own.items()}
        ours.load_state_dict(state)
        inputs = torch.rand(2, 3, *size)
        with torch.inference_mode():
            equal = torch.equal(theirs(inputs), ours(inputs))
        print(f"{name:18} keys and shapes {'equal' if alike else 'DIFFER'}, answers "
              f"{'equal' if equal else 'DIFFER'}")  # fmt: skip


if __name__ == "__main__":
    main()
