"""Official addresses of the named sets, with sizes and hashes that others have published.

Each sum names the list it is from; none was made here. Where none was found the digest is None,
and the hash of what came is printed as unverified.
"""

from sightline.download import Remote


def _idx(base: str, files: tuple[tuple[str, int, str], ...]) -> tuple[Remote, ...]:
    return tuple(
        Remote(f"{base}/{name}-ubyte.gz", f"md5:{digest}", size) for name, size, digest in files
    )


# Sums: torchvision, datasets/mnist.py. Sizes: tensorflow_datasets, url_checksums/mnist.txt.
MNIST = _idx(
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    (
        ("train-images-idx3", 9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
        ("train-labels-idx1", 28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
        ("t10k-images-idx3", 1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
        ("t10k-labels-idx1", 4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
    ),
)

# Sums: torchvision, datasets/mnist.py. Sizes: tensorflow_datasets, url_checksums/fashion_mnist.txt.
FASHION_MNIST = _idx(
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    (
        ("train-images-idx3", 26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
        ("train-labels-idx1", 29_515, "25c81989df183df01b3e8a0aad5dffbe"),
        ("t10k-images-idx3", 4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
        ("t10k-labels-idx1", 5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
    ),
)

# Sums: torchvision, datasets/cifar.py. Sizes: as the server states them, in Keras's examples.
CIFAR10 = (
    Remote(
        "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
        "md5:c58f30108f718f92721af3b95e74349a",
        170_498_071,
    ),
)
CIFAR100 = (
    Remote(
        "https://www.cs.toronto.edu/~kriz/cifar-100-python.tar.gz",
        "md5:eb9058c3a382ffc7106e4002c42a8d85",
        169_001_437,
    ),
)

# tensorflow_datasets, url_checksums/cats_vs_dogs.txt.
DOGS_VS_CATS = (
    Remote(
        "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
        "kagglecatsanddogs_5340.zip",
        "sha256:b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
        824_887_076,
    ),
)

# mlverse/torchvision, R/dataset-caltech.R.
CALTECH101 = (
    Remote(
        "https://data.caltech.edu/records/mzrjq-6wc02/files/caltech-101.zip",
        "md5:3138e1922a9193bfa496528edbbc45d0",
        inside="caltech-101",
    ),
)

# Sum: ContinualAI/avalanche, benchmarks/datasets/tiny_imagenet. Size: as the server states it.
TINY_IMAGENET = (
    Remote(
        "http://cs231n.stanford.edu/tiny-imagenet-200.zip",
        "md5:90528d7ca1a48142e341f4ef8d21d0de",
        248_100_043,
    ),
)

# The makers' own host is gone (pytorch/vision issue 8888). This is scikit-learn's copy of their
# lfw.tgz: sum in its datasets/_lfw.py, and with the size in tensorflow_datasets,
# url_checksums/lfw.txt, for the makers' file. What follows # is not sent; it names the file.
LFW = (
    Remote(
        "https://ndownloader.figshare.com/files/5976018#/lfw.tgz",
        "sha256:055f7d9c632d7370e6fb4afc7468d40f970c34a80d4c6f50ffec63f5a8d536c0",
        180_566_744,
    ),
)

# google-deepmind/dm_nevis, datasets_storage/handlers/oxford_flowers_17.py.
FLOWERS17 = (
    Remote(
        "https://www.robots.ox.ac.uk/~vgg/data/flowers/17/17flowers.tgz",
        "md5:b59a65d8d1a99cd66944d474e1289eab",
    ),
)

# avalanche-lib, benchmarks/datasets/penn_fudan/penn_fudan_data.py.
PENNFUDAN = (
    Remote(
        "https://www.cis.upenn.edu/~jshi/ped_html/PennFudanPed.zip",
        "md5:5aaa3dee905cef73325923716e38fc6d",
    ),
)
