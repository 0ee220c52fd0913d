"""First and last names of seven cultures, with the spelling each takes in an e-mail address.

Accents, apostrophes, hyphens and other scripts are what breaks masking, matching and exports; a pool
of plain ascii names would let every one of those defects through.
"""

from __future__ import annotations

import unicodedata

CULTURES = ("cm", "fr", "ci", "sn", "ar", "zh", "other")

# A name may be followed by "=" and its ascii spelling, where stripping accents would leave nothing.
_FIRST = {
    "cm": """Aïcha Blandine Serge Hervé Clarisse Fabrice Estelle Ghislain Nadège Rodrigue Solange
        Thierry Yvette Achille Bertille Cédric Désiré Édith Flore Gaëlle Honorine Joël Judith Landry
        Marie-Noëlle Patrice Régine Sandrine Sylvestre Théodore Ursule Valère Wilfried Yannick Zita
        Armelle Boris Carine Donatien Emmanuelle Franck-Junior Gisèle Hortense Innocent""",
    "fr": """Chloé Éloïse Jérôme Benoît Anaïs Zoé François-Xavier Loïc Maëlys Hélène Rémi Agnès
        Gaël Inès Noémie Théo Solène Aurélien Bérénice Côme Délphine Étienne Françoise Grégoire Héloïse
        Isaïe Jean-Baptiste Léonie Mathéo Ophélie Raphaël Stéphanie Timothée Véronique Yaël""",
    "ci": """Adjoua Affoué Akissi Amenan Aya Bla Koffi Konan Kouadio Kouamé Yao Ahou Amoin Brou
        Clémentine Drissa Fanta Gnamien Hermann Issouf Josué Kady Lassina Mariam N'Goran Ouattou
        Prisca Rokia Souleymane Tanoh""",
    "sn": """Aminata Astou Awa Bineta Coumba Diarra Fatou Khady Mame-Diarra Ndèye Oumy Rokhaya
        Abdou Alioune Babacar Cheikhou Demba El-Hadj Ibra Lamine Mamadou Modou Ousmane Papa-Amadou
        Seydou Thierno Yakhya""",
    "ar": """محمد=mohamed فاطمة=fatima يوسف=youssef مريم=maryam كريم=karim ليلى=layla سامي=sami
        نور=nour ياسين=yassine هدى=houda طارق=tarek أمينة=amina""",
    "zh": """伟=wei 芳=fang 秀英=xiuying 娜=na 敏=min 静=jing 丽=li 强=qiang 磊=lei 洋=yang 艳=yan
        志明=zhiming""",
    "other": """Zoë Björn Łukasz Nguyên Søren Ángela Iñigo Siobhán João Çağla Ştefan Željka Nikólaos
        Oluwaseun Chidinma Adébáyò Mbali Tiarnán Jürgen Agnieszka""",
}
_LAST = {
    "cm": """Ngo'ombe Mbargane Fotsonga Kamgueu Tchoumekam Nkengfua Atebong Essombang Njoyamo
        Ndongmeza Abenaki'i Tchindjo Wandjiko Nguemoka Owonabe Eyengabo Mbouomboua Talléo Bekonoa
        Kenmoue-Tala Manga-Bella Ebodeng Djoumessa'a Sopkwié Etoundja Ngassamba Zangué Melingué
        Nlendou Pougouet Simo-Wabo Tientcheuk Yomboa Zambouet""",
    "fr": """D'Almeida-Roux L'Héritier Lefèvrois Dupré-Garnier Béranger-Lô De La Fôret Saint-Évremin
        Châtelainet Gaudréault Desprès-Aubin Mérimont Bréhat-Loison Vauquelinet Crèvecourt Fléchard-Noé
        Tréguidel Poitevinet D'Orvillers Quémeneur Ruelland Sénéchaux Tessonnier Ulmière Villehardou
        Ybarrou Zélinet Noirmoutiez Larchevêquet""",
    "ci": """N'Guessan-Brou N'Drimo Kouassiba Aké-Lobé Assiénan Bléoue Dagnogoua Ehouman-Ahi Gnahoréba
        Irié-Lou Koffigoh-Ba Lohourignan M'Bahiako N'Zué-Kan Ouraga-Obi Sérifou Tiémokoba Yapobi Zadi-Kess
        Djédjéba""",
    "sn": """N'Diayema Sènekho Badiane-Fall Cissékh Diattara Fayemba Guèyemo Kanouté-Ly M'Backéba Niangado
        Sarrakh Thiamba Wadeko Camarako Diopmar Dramékha Mbengué-Sy Sylléba""",
    "ar": """العربي=elarabi بنعلي=benali الحداد=haddad المنصوري=mansouri الزهراء=zahra بوزيد=bouzid
        الشريف=cherif قاسم=kacem""",
    "zh": """王=wang 李=li 张=zhang 刘=liu 陈=chen 杨=yang 欧阳=ouyang 诸葛=zhuge""",
    "other": """O'Brannigan Müllerström Łukaszewicza Nguyễnová Øverbyen García-Íñiguezo D'Angelovich
        Çelikoğluu Þórsdóttira McÉwanne Adékúnlebi Okonkwobi Van~den~Bösch Škvoreckýma""",
}


def slug(name: str) -> str:
    """A name as an e-mail address spells it: lower-case ascii letters."""
    plain = unicodedata.normalize("NFKD", name.replace("Ł", "L").replace("ł", "l").replace("Ø", "O"))
    return "".join(letter for letter in plain.lower() if letter.isascii() and letter.isalpha())


def pool(kind: str) -> tuple[list[str], list[str], list[int]]:
    """Names and slugs of `first` or `last` names, culture after culture, and each culture's share.

    Returns (names, slugs, counts by culture in the order of `CULTURES`).
    """
    source = _FIRST if kind == "first" else _LAST
    names: list[str] = []
    slugs: list[str] = []
    counts: list[int] = []
    for culture in CULTURES:
        entries = source[culture].split()
        counts.append(len(entries))
        for entry in entries:
            name, _, spelled = entry.partition("=")
            names.append(name.replace("~", " "))
            slugs.append(spelled or slug(name))
    return names, slugs, counts
