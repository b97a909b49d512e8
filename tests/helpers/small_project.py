"""A project of a few invented texts, labelled by rules alone: ready in a second, without an encoder."""

from __future__ import annotations

from pathlib import Path

from rubricator.config import read_config
from rubricator.pipeline.stage import Run, run_stages
from rubricator.pipeline.stages import STAGES
from rubricator.taxonomy import Taxonomy

TEXTS = (
    "К вечеру над заливом собирается гроза, капитаны держат суда в гавани",
    "Туман рассеялся только к полудню, а после него пошёл мелкий дождь",
    "Снег на перевале сошёл на две недели раньше обычного",
    "Ветер повалил старый тополь у почты, дождь залил подвал",
    "Синоптики обещают заморозки, садоводы укрывают клубнику",
    "Гроза прошла стороной, но град побил теплицы за рекой",
    "Запасной вратарь отбил пенальти, и матч ушёл в овертайм",
    "Команда из посёлка выиграла турнир по городкам",
    "Тренер гребцов объяснил, почему сменил состав перед гонкой",
    "Матч перенесли: дождь превратил поле в болото",
    "Юная лыжница впервые обошла чемпионку области на спуске",
    "Болельщики ночевали у касс ради билета на матч",
    "Рецепт: тыкву запечь, размять с маслом и посыпать тмином",
    "Бабушкин пирог с ревенем выходит кислым, если пожалеть сахара",
    "Повар приюта варит суп на сорок человек из того, что принесли соседи",
    "Тесто для пирога должно отдохнуть ночь на холоде",
    "На ярмарке судьи пробовали рецепт ухи с дымком",
    "Суп остыл, пока в доме искали половник",
    "Пекарь встаёт в три, чтобы к открытию был тёплый хлеб",
    "Соседский кот третий день сидит на крыше и не слезает",
    "Мост закрыли на ремонт, в объезд ходит катер",
    "В библиотеке нашли письмо, заложенное в атлас сорок лет назад",
    "Чемпионат поваров выиграл суп из крапивы",
    "Перед матчем раздавали пирог по рецепту вратаря",
)
CATEGORIES = """
categories:
  - {key: weather, name: Погода, keywords: [дождь, гроза, снег, ветер, туман, град]}
  - {key: sport, name: Спорт, keywords: [матч*, турнир, вратар*, тренер, чемпион*]}
  - {key: food, name: Еда, keywords: [рецепт*, пирог*, суп, тесто]}
"""
CONFIG = """
name: small
data:
  files: [texts.csv]
  columns: {id: id, body: text}
label:
  teachers: [rules]
train:
  models: [linear]
split:
  test: 0.2
evaluate:
  plots: false
"""


def project(folder: Path, *, single: bool) -> Path:
    """Write the project; returns its config."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = "".join(f'{number},"{text}"\n' for number, text in enumerate(TEXTS))
    (folder / "texts.csv").write_text("id,text\n" + rows, encoding="utf-8")
    task = "single-label" if single else "multi-label"
    (folder / "taxonomy.yaml").write_text(f"task: {task}\n{CATEGORIES}", encoding="utf-8")
    (folder / "rubricator.yaml").write_text(CONFIG, encoding="utf-8")
    return folder / "rubricator.yaml"


def labelled(folder: Path, *, single: bool) -> Run:
    """The project, gone as far as its labels; the run lies in `folder/run`."""
    config = read_config(project(folder, single=single), [])
    run = Run(config, Taxonomy.read(config.path(config.taxonomy)), folder / "run")
    run_stages(run, STAGES, until="label")
    return run
