from pathlib import Path

from tests.quality.gate import digest, guarded, judge, raised, table
from tests.quality.ranking import ndcg
from tests.quality.stories import agreement


def test_a_figure_well_below_its_floor_is_named() -> None:
    assert judge({"f1": 0.79}, {"f1": 0.80}).below == ("f1: 0.7900 is below 0.8000",)
    assert judge({"f1": 0.799}, {"f1": 0.80}).below == ()


def test_a_floor_that_is_not_measured_is_named() -> None:
    assert judge({}, {"f1": 0.80}).missing == ("f1",)


def test_floors_only_rise_unless_told_otherwise() -> None:
    assert raised({"a": 0.7, "b": 0.9}, {"a": 0.8}, allow_regression=False) == {"a": 0.8, "b": 0.9}
    assert raised({"a": 0.7}, {"a": 0.8}, allow_regression=True) == {"a": 0.7}


def test_counts_and_comparisons_have_no_floors() -> None:
    figures = {"x / f1": 0.12345, "x / found count": 3.0, "x / beside newest": 0.2}
    assert guarded(figures) == {"x / f1": 0.1235}
    assert guarded({"x / p": 0.1, "x / f1": 0.2}, ("f1",)) == {"x / f1": 0.2}


def test_the_table_marks_what_is_below() -> None:
    shown = table("set", {"x / f1": 0.5, "x / found count": 3.0, "y / f1": 0.9}, {"x / f1": 0.6})
    assert shown.splitlines()[1].split() == ["x", "0.500*", "3"]
    assert shown.splitlines()[2].split() == ["y", "0.900"]


def test_changed_data_has_another_digest(tmp_path: Path) -> None:
    file = tmp_path / "a.jsonl"
    file.write_text("1")
    before = digest(tmp_path, ("*.jsonl",))
    file.write_text("2")
    assert digest(tmp_path, ("*.jsonl",)) != before


def test_agreement_of_equal_groupings_is_whole() -> None:
    found = agreement(["a", "a", "b"], ["x", "x", "y"])
    assert found["b3 f1"] == found["pair f1"] == found["ari"] == 1


def test_agreement_by_hand() -> None:
    # One story of four cut into halves: every pair found is right, a third of the pairs is found.
    found = agreement(["a"] * 4, ["x", "x", "y", "y"])
    assert (found["b3 p"], found["b3 r"]) == (1, 0.5)
    assert found["pair f1"] == 0.5


def test_ndcg_of_the_ideal_order_is_one() -> None:
    gains = {"a": 3, "b": 2, "c": 1}
    assert ndcg(["a", "b", "c"], gains) == 1
    assert ndcg(["c", "b", "a"], gains) < 1
