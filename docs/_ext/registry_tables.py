"""Directives that list the registry's datasets and the named pipelines."""

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.util.docutils import SphinxDirective

from neurodec.datasets import dataset_info, list_datasets
from neurodec.decoders import list_pipelines, load_pipeline, pipeline_info


class _Table(SphinxDirective):
    """A table, one row for each registered name."""

    def run(self):
        lines = [".. list-table::", "   :header-rows: 1", "   :widths: auto", ""]
        for row in [self.header, *self.rows()]:
            lines += [f"   {'*' if cell is row[0] else ' '} - {cell}" for cell in row]
        node = nodes.container()
        self.state.nested_parse(StringList(lines, self.name), 0, node)
        return node.children


class DatasetTable(_Table):
    header = (
        *("name", "what", "paradigm", "subjects", "sessions", "channels"),
        *("fetched", "licence"),
    )

    def rows(self):
        for name in list_datasets():
            entry = dataset_info(name)
            yield (
                f"``{name}``",
                entry["title"] + (f" (doi:{entry['doi']})" if entry["doi"] else ""),
                entry["paradigm"],
                len(entry["subjects"]),
                entry["sessions"],
                f"{entry['channels'] or 'any'} {entry['modality'].upper()}",
                _origin(entry["source"]),
                entry["licence"] + ("; unverified" if entry.get("unverified") else ""),
            )


def _origin(source):
    """How the files of a set come onto a machine."""
    if "moabb" in source:
        return f"MOABB: ``{source['moabb']}``"
    if "simulator" in source:
        return "made on the spot"
    page = f"`page <{source['url']}>`__"
    return page if "download" in source else f"by hand, {page}"


class PipelineTable(_Table):
    header = ("name", "what", "paradigms", "steps")

    def rows(self):
        for name in list_pipelines():
            info = pipeline_info(name)
            steps = (type(step).__name__ for _, step in load_pipeline(name).steps)
            yield (
                f"``{name}``",
                info["title"],
                ", ".join(info["paradigms"]),
                ", ".join(f"``{step}``" for step in steps),
            )


def setup(app):
    app.add_directive("dataset-table", DatasetTable)
    app.add_directive("pipeline-table", PipelineTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
