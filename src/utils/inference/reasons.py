"""What an answer means, and why there is none: each a sentence in English and in French."""

MEANINGS = {
    "votes": {
        "en": "About {people} of 10 people would call this expression stress-related.",
        "fr": "Environ {people} personnes sur 10 diraient cette expression liée au stress.",
    },
    "labels": {
        "en": "Such an expression would be labelled {label}; how many people would agree is not known.",
        "fr": "Une telle expression serait étiquetée « {label} » ; on ne sait pas combien de gens seraient d’accord.",
    },
}
"""By what the model has learnt, people's votes or labels: what P(Stress) says."""

REASONS = {
    "no_face": {
        "en": "No face was found in the picture.",
        "fr": "Aucun visage n’a été trouvé sur l’image.",
    },
    "too_small": {
        "en": "The face is too small: it has too few pixels to tell an expression.",
        "fr": "Le visage est trop petit : il a trop peu de pixels pour lire une expression.",
    },
    "too_dark": {
        "en": "The face is too dark.",
        "fr": "Le visage est trop sombre.",
    },
    "too_blurred": {
        "en": "The face is too blurred, or shows nothing at all.",
        "fr": "Le visage est trop flou, ou ne montre rien du tout.",
    },
    "low_confidence": {
        "en": "The network is not sure enough of either answer.",
        "fr": "Le réseau n’est assez sûr d’aucune des deux réponses.",
    },
    "people_disagree": {
        "en": "People would be divided over this expression.",
        "fr": "Les avis seraient partagés sur cette expression.",
    },
}
"""For a picture that was read: why the status is "cannot say"."""

UNSURE = {"votes": "people_disagree", "labels": "low_confidence"}
"""The reason where a face is good enough and no answer sure enough, by what the model has learnt."""

PICTURE_FAULTS = {
    "no_file": {
        "en": "No picture came with the request. Choose a file first.",
        "fr": "La demande est arrivée sans image. Choisissez d’abord un fichier.",
    },
    "empty": {
        "en": "The file is empty.",
        "fr": "Le fichier est vide.",
    },
    "too_many_bytes": {
        "en": "The file is larger than 10 MB. Choose a smaller one.",
        "fr": "Le fichier dépasse 10 Mo. Choisissez-en un plus petit.",
    },
    "not_a_picture": {
        "en": "This is not a picture of a kind that can be read here. Expected JPEG, PNG, WebP or BMP.",
        "fr": "Ce n’est pas une image lisible ici. Formats acceptés : JPEG, PNG, WebP ou BMP.",
    },
    "too_large": {
        "en": "The picture has more than 40 million pixels (as WebP: 25 million), or more than 20,000 on a side."
        " Choose a smaller one.",
        "fr": "L’image a plus de 40 millions de pixels (en WebP : 25 millions), ou plus de 20 000 sur un côté."
        " Choisissez-en une plus petite.",
    },
    "broken": {
        "en": "The picture is damaged: it cannot be read to its end.",
        "fr": "L’image est abîmée : elle ne peut pas être lue jusqu’au bout.",
    },
}
"""For a picture that could not be read."""


def say_meaning(target: str, label: str, p_stress: float, language: str = "en") -> str:
    """The sentence of MEANINGS about an answer.

    Args:
        target: what the model has learnt: "votes" or "labels".
        label: the likelier answer, as the reader is to see it.
        p_stress: 0 to 1.
        language: "en" or "fr".
    """
    return MEANINGS[target][language].format(people=round(10 * p_stress), label=label)


def count_small(count: int, language: str) -> str:
    """A sentence that counts further faces, which are too small, in "en" or "fr"; "" for none."""
    one, more = {
        "en": ("1 more face is too small.", "{} more faces are too small."),
        "fr": ("1 autre visage est trop petit.", "{} autres visages sont trop petits."),
    }[language]
    return "" if count == 0 else one if count == 1 else more.format(count)
