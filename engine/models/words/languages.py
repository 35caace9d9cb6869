"""Taking the language out of token vectors, so that a question finds pages in other languages.

A multilingual model puts all words of one language a little to one side, which outweighs meaning when a question is
compared with pages in several languages: its small words match those of its own language everywhere. The mean vectors of
one text in many languages differ in little but this, so the main directions of their differences are removed from every
vector (Yang et al. 2021, "A Simple and Effective Method To Eliminate the Self Language Bias in Multilingual
Representations", EMNLP). What it brings is measured in ARCHITECTURE.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
N_DIRECTIONS = 4  # 3 to 6 do equally well; more take meaning with them

# The same eight sentences in each language.
PARALLEL_TEXTS: dict[str, tuple[str, ...]] = {
    "en": (
        "The annual report shows how much the company earned and what it spent on new machines.",
        "Please read the instructions carefully before you switch on the device for the first time.",
        "The meeting of the owners takes place on Monday evening at seven o'clock in the town hall.",
        "If the invoice is not paid within thirty days, a fee will be charged.",
        "Most of the children in the village go to school by bus, because the road is long.",
        "The table lists the temperature and the rainfall for each month of the year.",
        "Who has to sign the form, and where should it be sent?",
        "The doctor explained that the medicine must be taken twice a day after meals.",
    ),
    "de": (
        "Der Jahresbericht zeigt, wie viel das Unternehmen verdient und was es für neue Maschinen ausgegeben hat.",
        "Bitte lesen Sie die Anleitung sorgfältig, bevor Sie das Gerät zum ersten Mal einschalten.",
        "Die Versammlung der Eigentümer findet am Montagabend um sieben Uhr im Rathaus statt.",
        "Wird die Rechnung nicht innerhalb von dreißig Tagen bezahlt, so wird eine Gebühr erhoben.",
        "Die meisten Kinder im Dorf fahren mit dem Bus zur Schule, weil der Weg weit ist.",
        "Die Tabelle nennt die Temperatur und den Niederschlag für jeden Monat des Jahres.",
        "Wer muss das Formular unterschreiben, und wohin soll man es schicken?",
        "Die Ärztin erklärte, dass das Medikament zweimal am Tag nach dem Essen genommen werden muss.",
    ),
    "fr": (
        "Le rapport annuel montre combien l'entreprise a gagné et ce qu'elle a dépensé pour de nouvelles machines.",
        "Veuillez lire attentivement le mode d'emploi avant d'allumer l'appareil pour la première fois.",
        "La réunion des propriétaires a lieu lundi soir à sept heures à la mairie.",
        "Si la facture n'est pas payée dans les trente jours, des frais seront demandés.",
        "La plupart des enfants du village vont à l'école en bus, parce que la route est longue.",
        "Le tableau indique la température et la pluie pour chaque mois de l'année.",
        "Qui doit signer le formulaire, et où faut-il l'envoyer ?",
        "Le médecin a expliqué que le médicament doit être pris deux fois par jour après les repas.",
    ),
    "es": (
        "El informe anual muestra cuánto ganó la empresa y qué gastó en máquinas nuevas.",
        "Lea las instrucciones con atención antes de encender el aparato por primera vez.",
        "La reunión de los propietarios se celebra el lunes por la tarde a las siete en el ayuntamiento.",
        "Si la factura no se paga en treinta días, se cobrará un recargo.",
        "La mayoría de los niños del pueblo van a la escuela en autobús, porque el camino es largo.",
        "La tabla muestra la temperatura y la lluvia de cada mes del año.",
        "¿Quién tiene que firmar el formulario y adónde hay que enviarlo?",
        "El médico explicó que el medicamento debe tomarse dos veces al día después de comer.",
    ),
    "it": (
        "Il rapporto annuale mostra quanto l'azienda ha guadagnato e che cosa ha speso per le nuove macchine.",
        "Leggere attentamente le istruzioni prima di accendere l'apparecchio per la prima volta.",
        "La riunione dei proprietari si tiene lunedì sera alle sette in municipio.",
        "Se la fattura non viene pagata entro trenta giorni, sarà applicata una penale.",
        "La maggior parte dei bambini del paese va a scuola in autobus, perché la strada è lunga.",
        "La tabella indica la temperatura e la pioggia per ogni mese dell'anno.",
        "Chi deve firmare il modulo e dove bisogna inviarlo?",
        "Il medico ha spiegato che la medicina va presa due volte al giorno dopo i pasti.",
    ),
    "pt": (
        "O relatório anual mostra quanto a empresa ganhou e o que gastou em novas máquinas.",
        "Leia as instruções com atenção antes de ligar o aparelho pela primeira vez.",
        "A reunião dos proprietários realiza-se na segunda-feira à noite, às sete horas, na câmara municipal.",
        "Se a fatura não for paga em trinta dias, será cobrada uma taxa.",
        "A maioria das crianças da aldeia vai para a escola de autocarro, porque o caminho é longo.",
        "A tabela mostra a temperatura e a chuva de cada mês do ano.",
        "Quem tem de assinar o formulário e para onde deve ser enviado?",
        "O médico explicou que o medicamento deve ser tomado duas vezes por dia depois das refeições.",
    ),
    "nl": (
        "Het jaarverslag laat zien hoeveel het bedrijf heeft verdiend en wat het aan nieuwe machines heeft uitgegeven.",
        "Lees de handleiding zorgvuldig voordat u het apparaat voor het eerst aanzet.",
        "De vergadering van de eigenaren is op maandagavond om zeven uur in het stadhuis.",
        "Als de rekening niet binnen dertig dagen wordt betaald, worden er kosten berekend.",
        "De meeste kinderen in het dorp gaan met de bus naar school, omdat de weg lang is.",
        "De tabel geeft de temperatuur en de regen voor elke maand van het jaar.",
        "Wie moet het formulier ondertekenen en waar moet het naartoe worden gestuurd?",
        "De arts legde uit dat het medicijn twee keer per dag na het eten moet worden ingenomen.",
    ),
    "ru": (
        "Годовой отчёт показывает, сколько заработала компания и сколько она потратила на новые машины.",
        "Пожалуйста, внимательно прочитайте инструкцию, прежде чем впервые включить прибор.",
        "Собрание владельцев состоится в понедельник в семь часов вечера в ратуше.",
        "Если счёт не будет оплачен в течение тридцати дней, взимается плата.",
        "Большинство детей в деревне ездит в школу на автобусе, потому что дорога длинная.",
        "В таблице указаны температура и осадки за каждый месяц года.",
        "Кто должен подписать форму и куда её нужно отправить?",
        "Врач объяснил, что лекарство нужно принимать два раза в день после еды.",
    ),
    "zh": (
        "年度报告说明公司赚了多少钱，以及在新机器上花了多少钱。",
        "第一次打开设备之前，请仔细阅读说明书。",
        "业主会议于星期一晚上七点在市政厅举行。",
        "如果三十天之内不付发票，就要收取费用。",
        "村里的大多数孩子坐公共汽车上学，因为路很远。",
        "表中列出了一年中每个月的温度和降雨量。",
        "谁必须在表格上签字，应该寄到哪里？",
        "医生说明，这种药必须每天饭后吃两次。",
    ),
    "ja": (
        "年次報告書は、会社がいくら稼ぎ、新しい機械にいくら使ったかを示しています。",
        "初めて機器の電源を入れる前に、説明書をよくお読みください。",
        "所有者の会議は月曜日の夜七時に市役所で開かれます。",
        "三十日以内に請求書が支払われない場合は、手数料がかかります。",
        "道が遠いので、村のほとんどの子供たちはバスで学校に通っています。",
        "表には一年の各月の気温と降水量が示されています。",
        "誰が書類に署名し、どこに送ればよいですか。",
        "薬は一日二回、食後に飲まなければならないと医者が説明しました。",
    ),
}


def language_directions(encode: Callable[[Sequence[str]], list[Float]]) -> Float:
    """(N_DIRECTIONS, dim) float32, orthonormal rows: where languages differ most.

    encode: texts -> token vectors (n, dim) of each, rows of unit length.
    """
    means = np.stack(
        [np.mean([tokens.mean(axis=0) for tokens in encode(texts)], axis=0) for texts in PARALLEL_TEXTS.values()]
    )
    _, _, directions = np.linalg.svd(means - means.mean(axis=0), full_matrices=False)
    return np.asarray(directions[:N_DIRECTIONS], np.float32)


def without(vectors: Float, directions: Float) -> Float:
    """vectors (n, dim) less their parts along ``directions``; the rows are no longer of unit length."""
    return np.asarray(vectors - (vectors @ directions.T) @ directions, np.float32)


def recipe_digest() -> str:
    """Of everything here that changes the directions a model gets."""
    return hashlib.sha256(json.dumps([N_DIRECTIONS, PARALLEL_TEXTS]).encode()).hexdigest()
