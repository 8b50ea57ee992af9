"""An integration whose own package is not installed."""

import a_package_that_nobody_has
from haystack import Document, component


@component
class Needy:
    """Cannot even be imported."""

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]):
        return a_package_that_nobody_has.split(documents)
