"""Which folders are which packages: ``app`` is ``diffmp_app``, what is shipped lies in ``diffmp_core.shipped``.

All else is in pyproject.toml.
"""

from setuptools import find_packages, setup

CODE = {"diffmp_core": "diffmp_core", "diffmp_app": "app"}
SHIPPED = ("assets", "data/demo", "data/climsim", "data/configs")
shipped = {f"diffmp_core.shipped.{folder.replace('/', '.')}": folder for folder in SHIPPED}

setup(
    packages=[
        *CODE,
        *(f"{package}.{found}" for package, folder in CODE.items() for found in find_packages(folder)),
        *shipped,
    ],
    package_dir=CODE | shipped,
    include_package_data=False,  # data are files here, no packages of their own
    package_data={"diffmp_core.configs": ["*.yaml"]} | {package: ["**/*"] for package in shipped},
)
