"""What people write in traditional letters and in Taiwan's words is heard as what others write in simplified ones."""

from __future__ import annotations

import pytest
from retina_doctor_checks.triage.diagnosing import case_of, diagnoses
from retina_doctor_checks.triage.text import read
from retina_doctor_checks.triage.traditional import simplified

TOLD = {
    "driver-module-not-loaded": "昨天更新核心之後，顯示卡驅動程式就無法使用了，換回舊核心又正常。",
    "vram-too-many-workers": "每個行程都載入一份模型，開到第五個行程顯示記憶體就不足了，服務直接當掉。",
    "det-threshold-too-low": "牆上的插座、窗簾都被框成人臉，信心分數只有 0.1，門檻我設得太低。",
    "port-not-published": "容器裡面可以連線，宿主機連不到，docker ps 的 PORTS 欄位是空的，沒有加 -p。",
    "model-unreadable": "模型檔案屬於 root，服務用普通使用者執行，沒有權限讀取它。",
    "image-not-read": "路徑有中文的照片全部失敗，imread 讀出來是空的，報 NoneType 錯誤。",
}


def names(text: str) -> list[str]:
    return [one.name for one in diagnoses(case_of(read(text)), {})]


@pytest.mark.parametrize(("cause", "text"), list(TOLD.items()))
def test_traditional_letters_are_heard(cause: str, text: str) -> None:
    assert cause in names(text)[:3], names(text)


@pytest.mark.parametrize(
    "text",
    [
        "驅動程式 570 安裝完成，顯示卡正常，torch 可以使用 GPU，辨識速度很滿意。",
        "請問偵測門檻一般設多少比較好？",
        "顯示記憶體佔用穩定在 2.1 GB，跑了一個禮拜都沒有問題。",
    ],
)
def test_what_is_well_in_traditional_letters_leads_nowhere(text: str) -> None:
    assert names(text) == []


def test_only_lines_of_traditional_chinese_change() -> None:
    assert simplified("記憶體不足") == "内存不足"
    for kept in ("入门门槛不高，昇腾 910", "認識されない", "no memory"):
        assert simplified(kept) == kept
