"""The words and tables of the French report."""

from __future__ import annotations

EDITO = """
En 2025, nous avons prêté 9 412 outils à 1 386 foyers toulousains. Une perceuse sert en moyenne douze minutes
dans sa vie lorsqu'elle dort dans un placard ; les nôtres ont percé pendant trois cent quarante heures. C'est
toute l'idée de La Bricole : posséder moins, réparer davantage, et se rencontrer autour d'un établi.

L'année a aussi apporté son lot d'ennuis. La fuite du toit, en février, a noyé la réserve et mis hors d'usage
trente et une machines. Un appel aux dons lancé un dimanche soir a réuni 7 250 euros en neuf jours. Nous
n'oublierons pas non plus le camion de la boulangerie voisine, venu chercher les ponceuses avant la pluie
suivante.
"""
LOANS_TEXT = """
## Les prêts

Le printemps reste la haute saison : en avril et en mai, il faut réserver une débroussailleuse dix jours à
l'avance. Le creux de février s'explique par la fermeture du local pendant trois semaines. Depuis septembre,
l'ouverture du jeudi soir attire un public nouveau ; un emprunt sur cinq se fait désormais entre 19 et 21
heures.

La durée moyenne d'un prêt est de 4,6 jours. Les retards ont diminué de moitié depuis que le rappel est
envoyé par message la veille, et non plus le lendemain.
"""
MEMBERS_TEXT = """
## Les adhérents

La cotisation annuelle est calculée d'après le quotient familial, de 8 à 45 euros. Un tiers des foyers paie
le tarif le plus bas. Deux adhérents sur trois vivent en appartement ; 58 % sont des femmes. Le plus jeune
emprunteur, neuf ans, a fabriqué un hôtel à insectes ; la doyenne, quatre-vingt-onze ans, refuse qu'on lui
porte l'échelle.

Le taux de renouvellement atteint 71 %. Parmi ceux qui partent, la moitié quitte la ville.
"""
WORKSHOP_TEXT = """
## L'atelier de réparation

Tous les samedis, six bénévoles ouvrent l'atelier. Sur 1 127 objets apportés, 793 sont repartis en état de
marche. Les petits appareils à résistance (bouilloires, fers, grille-pain) sont les plus faciles à sauver ;
les imprimantes, les plus ingrates. Pour 94 objets il manquait une pièce que le fabricant ne vend plus. Nous
en avons imprimé trente-deux nous-mêmes.

Le poids des objets sauvés s'élève à 3,1 tonnes.
"""
REPAIRS = [
    ["Objet", "Apportés", "Réparés", "Taux"],
    ["Bouilloires, cafetières", "214", "183", "86 %"],
    ["Lampes", "166", "151", "91 %"],
    ["Aspirateurs", "158", "104", "66 %"],
    ["Vélos, trottinettes", "143", "122", "85 %"],
    ["Vêtements, rideaux", "131", "118", "90 %"],
    ["Radios, enceintes", "97", "51", "53 %"],
    ["Imprimantes", "84", "19", "23 %"],
    ["Divers", "134", "45", "34 %"],
    ["Total", "1 127", "793", "70 %"],
]
TOP = [
    ["Les plus empruntés", "Prêts", "Achat, €", "Pannes"],
    ["Perceuse à percussion", "1 104", "139", "6"],
    ["Nettoyeur à haute pression", "871", "289", "11"],
    ["Échelle de 5 m", "688", "215", "0"],
    ["Ponceuse excentrique", "612", "164", "9"],
    ["Débroussailleuse", "547", "410", "14"],
    ["Décolleuse à papier peint", "463", "78", "3"],
    ["Machine à coudre", "391", "330", "4"],
    ["Appareil à raclette, 12 places", "356", "92", "1"],
]
ACCOUNTS = [
    ["Euros", "2024", "2025", "Budget 2026"],
    ["Cotisations", "31 840", "37 910", "41 000"],
    ["Subvention de la ville", "24 000", "24 000", "20 000"],
    ["Région, économie circulaire", "12 500", "15 000", "15 000"],
    ["Ateliers payants", "8 260", "11 475", "14 000"],
    ["Dons", "3 120", "10 340", "4 000"],
    ["Total des produits", "79 720", "98 725", "94 000"],
    ["Salaires et charges (1,6 poste)", "46 300", "51 870", "54 500"],
    ["Loyer et énergie", "14 950", "15 680", "16 200"],
    ["Achat d'outils", "7 410", "16 220", "9 000"],
    ["Pièces et consommables", "4 880", "5 395", "5 500"],
    ["Assurance", "2 960", "3 240", "4 100"],
    ["Divers", "2 105", "2 470", "2 500"],
    ["Total des charges", "78 605", "94 875", "91 800"],
    ["Résultat", "1 115", "3 850", "2 200"],
]
ACCOUNTS_TEXT = """
L'achat d'outils a doublé à cause du sinistre ; l'assurance n'en a remboursé que 1 050 euros, compris dans
les dons faute de ligne propre. La ville a annoncé une baisse de sa subvention pour 2026. Nous comptons la
compenser par des ateliers destinés aux entreprises.
"""
PROJECTS = """
## En 2026

1) Ouvrir en mars une annexe aux Minimes, dans l'ancien garage de la rue du Moulinet, un jour et demi par
semaine.
2) Acheter un vélo-cargo pour livrer les machines de plus de quinze kilos aux personnes qui n'ont pas de
voiture.
3) Former douze nouveaux réparateurs, dont au moins quatre à l'électronique.
4) Publier les notices de nos cinquante outils les plus courants en français, arabe, portugais et langue des
signes.
5) Remplacer le toit : le propriétaire s'est engagé par écrit pour le mois d'août.

## Merci

À nos 64 bénévoles, qui ont donné 6 180 heures, soit l'équivalent de près de quatre emplois. À la mairie, à
la Région, à la quincaillerie Bordenave pour ses fins de série, et au voisin du dessus, qui supporte la scie
circulaire du samedi.

## Nous trouver

La Bricole, 18 quai de la Daurade-Basse, Toulouse. Mardi et mercredi de 14 à 19 h, jeudi de 16 à 21 h, samedi
de 9 à 13 h. Assemblée générale : samedi 28 mars 2026 à 10 h, suivie d'une soupe.
"""
